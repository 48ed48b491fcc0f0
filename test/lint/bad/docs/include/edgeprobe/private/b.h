int inside(void);
