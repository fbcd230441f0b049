"""The Spark side: source -> parse -> validate -> window -> sink, one module per stage."""
