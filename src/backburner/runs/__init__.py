"""Tables in and out: reading, rendering, checking and writing what people hand over."""
