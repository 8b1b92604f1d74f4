"""What every chat platform's door shares: who asks, buttons, answers that happen once, replies that always arrive."""
