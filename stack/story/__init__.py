"""The demo's story: what people and workflows do, played over HTTP and judged by what both worlds hold afterwards."""
