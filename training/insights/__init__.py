"""What the scores mean for a business: value, concentration, claims, plays, histories, explanations."""
