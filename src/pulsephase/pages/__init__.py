"""Web pages, figures and tables: one HTML and SVG kit for all reports."""
