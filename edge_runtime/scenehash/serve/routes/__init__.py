"""The addresses of the API, a group a file."""
