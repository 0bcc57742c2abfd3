"""What the scores of a study mean: verdicts, disagreements and their causes."""
