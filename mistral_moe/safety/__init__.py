"""What decides whether a model may be given away: pure measures of harm, and gates that fail closed."""
