"""Share receipts: proof of work that could only have paid the reserve, without pool or meter."""
