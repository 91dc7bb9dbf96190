"""How Sphinx makes a site of these pages: `make site`."""

project = "Ripple"
extensions = ["myst_parser"]
nitpicky = True

# a link to a heading is spelt as GitHub spells it, and checked
myst_heading_anchors = 4

html_theme = "furo"
html_title = "Ripple"
html_copy_source = False
html_show_copyright = False

# publishers turn robots away, so a DOI is asked for its record instead of its page
linkcheck_request_headers = {"https://doi.org/": {"Accept": "application/vnd.citationstyles.csl+json"}}
linkcheck_ignore = [r"http://127\.0\.0\.1"]
linkcheck_timeout = 20
