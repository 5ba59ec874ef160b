"""Plans: token plans, what is sold of them and how they live."""
