/* Stands in the place of the file that QBE's make writes: of all of its targets there is one. */
#define Deftgt T_amd64_sysv
#define T_arm64 T_amd64_sysv
#define T_arm64_apple T_amd64_sysv
#define T_rv64 T_amd64_sysv
