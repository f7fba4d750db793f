"""Who may do what at the staff desk: people, roles, sign-in and the one table of permissions."""
