"""The blocks of the study page, in its order: each makes the plain dict that its template shows."""
