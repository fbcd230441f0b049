"""Explore: what the notebooks import. Thin glue over the producer's and the jobs' own functions, and charts."""
