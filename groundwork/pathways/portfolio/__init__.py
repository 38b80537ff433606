"""The portfolio: a static site, JSON Resume, Open Badges 3.0, and a bundle that anyone can check offline."""
