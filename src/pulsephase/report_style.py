"""The style sheet of the report: light and dark, one column on a phone and two beside a desk."""

STYLE = """
:root {
  --paper: #fbfaf8; --card: #ffffff; --ink: #22262b; --soft: #5d666f;
  --faint: #dfe2e5; --accent: #c3283c; --second: #1f6fb2; --note: #fff4dc;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --card: #1d2125; --ink: #e7e9eb; --soft: #9aa4ad;
    --faint: #343a40; --accent: #ff6b7d; --second: #63b3f3; --note: #3a3120;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.2rem; max-width: 70rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
h1 { margin: 0.2rem 0; font-size: 1.6rem; }
h2 { margin: 0 0 0.4rem; font-size: 1.1rem; overflow-wrap: anywhere; }
p { margin: 0.2rem 0; }
.warning { padding: 0.5rem 0.8rem; border-radius: 0.4rem; background: var(--note); }
section, footer {
  margin: 1.2rem 0; padding: 1.1rem; background: var(--card);
  border: 1px solid var(--faint); border-radius: 0.7rem;
}
.number { font-size: 3.6rem; font-weight: 650; line-height: 1.1; color: var(--accent); }
.number.none { font-size: 2.2rem; color: var(--soft); }
.unit { font-size: 1.4rem; color: var(--soft); }
.quality { color: var(--soft); }
.reason { color: var(--second); }
td.reason { min-width: 12rem; }
meter { width: 7rem; height: 0.9rem; vertical-align: middle; }
.figures {
  display: grid; gap: 0.8rem; margin: 0.9rem 0;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr));
}
figure { margin: 0; min-width: 0; }
figcaption { font-weight: 600; font-size: 0.95rem; }
small { font-weight: 400; color: var(--soft); }
svg, img { display: block; width: 100%; height: auto; border-radius: 0.3rem; }
svg text { font-family: inherit !important; }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.35rem 0.6rem; text-align: left; border-bottom: 1px solid var(--faint); }
thead th { font-weight: 500; color: var(--soft); }
dl { display: flex; flex-wrap: wrap; gap: 0.3rem 1.6rem; margin: 0.8rem 0 0; }
dl div { display: flex; gap: 0.4rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
@media print { section { break-inside: avoid; } }
"""
