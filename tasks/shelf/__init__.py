"""The shelf, OUT/index.html: everything that was analysed, on one page that searches without a network."""
