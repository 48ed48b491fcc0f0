int disk_open(void);
