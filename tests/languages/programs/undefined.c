/* Calls what nobody defines. */

int sqlite3_open(const char *);

int main(void) { return sqlite3_open("jobs.db"); }
