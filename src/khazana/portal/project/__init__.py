"""The Django project: settings, addresses, middleware and the frame around every page."""
