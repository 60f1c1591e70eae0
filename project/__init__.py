"""The site: settings, addresses, the ASGI and Celery applications, and the supervisor `up`."""
