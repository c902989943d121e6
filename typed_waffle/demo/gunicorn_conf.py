"""How the demo runs gunicorn."""

workers = 4
graceful_timeout = 3
control_socket_disable = True  # by default all gunicorns of a user share one; new in 25.1
