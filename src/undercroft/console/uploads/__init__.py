"""Uploads from the browser. Bytes go from the page to the API's address; what is here hands out addresses and puts parts together."""
