"""How far annotators agree: coefficients, spans, and intervals. Pure; who said what comes from elsewhere."""
