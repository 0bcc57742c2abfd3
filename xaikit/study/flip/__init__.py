"""What would have changed the answer: sets of features to remove, and changes of columns."""
