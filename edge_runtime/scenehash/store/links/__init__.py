"""What a store knows of other stations.

links.py        store.links: how far each link is, and which scenes came by it
"""
