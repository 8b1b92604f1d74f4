"""The database: models, repositories, transactions."""
