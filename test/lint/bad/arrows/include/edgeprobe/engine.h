int ep_engine_open(void);
