"""Coming from Flask-WaffleConf: what it stored, read without unpickling anything."""
