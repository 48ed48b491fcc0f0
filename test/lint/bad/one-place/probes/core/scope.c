void f(uv_handle_t *h) { uv_close(h, 0); }
