"""Jobs as the desk asks for them; `workers` does them."""
