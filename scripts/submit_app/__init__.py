"""Submit: ship the artefact to a deployed platform, start the jobs and the producer there, and stop them."""
