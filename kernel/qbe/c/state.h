/* Variables of QBE that a run leaves as they are not at the start of the next one, by the files that have them. */
void qbe_reset_util(void);
void qbe_reset_parse(void);
void qbe_reset_emit(void);
void qbe_reset_ssa(void);
