"""A lender's conditions as values: read, linted, evaluated, and asked before an order is booked."""
