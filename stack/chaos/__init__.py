"""The fault suite: the real processes under load while everything breaks, judged by what both worlds hold in the end."""
