"""Wire: protocols without I/O, bytes in and events out."""
