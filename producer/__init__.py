"""Polls prices and puts them on the stream: source -> parse -> spool -> sink, and the loop that runs them."""
