/* strcpy( is only a word here, and so is "sprintf(" below */
const char *what = "sprintf(";
void f(char *d, const char *s)
{
	strcpy(d, s);
	gmtime_r(0, 0);
	gmtime (0);
	snprintf(d, 1, "%s", s);
	table->system(d);
	my_atoi(d);
	atoi(d);
}
