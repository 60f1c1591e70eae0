"""How dates are written where Django writes them: in the admin's own lists and pages."""
