struct twice {
	int a;
};
