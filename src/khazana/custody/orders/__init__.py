"""Orders to pay and to buy: drafted, checked by rules, approved by signatures, logged, booked."""
