/* uv_close() is not ours */
const char *s = "uv_close(h)";
void f(uv_handle_t *h)
{
	uv_close(h, 0);
}
