"""Who may come in: users, their roles in each workspace, sessions of browsers, sign-in by OpenID Connect."""
