"""The artefact: source (what git holds) -> pieces (code, entries, packages) -> manifest."""
