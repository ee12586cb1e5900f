"""What `manage.py up` runs on one machine: embedded databases, and the supervisor of every process."""
