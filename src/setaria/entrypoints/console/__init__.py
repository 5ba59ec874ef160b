"""Console: pages for people, in a process of their own."""
