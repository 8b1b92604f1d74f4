"""A spot exchange in a process of its own: Binance-shaped REST and websockets, a witness on disk, faults on demand.

It shares no code with the order store, so that what it says about orders is a second opinion.
"""
