"""What annotations give to the reading pages: filters, layers, letters of samples, history. Registered by the app."""
