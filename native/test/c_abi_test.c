/* Compiles the header as C and calls the shared library as a C program does. */
#include <stdio.h>

#include "halfstep.h"

int main(void) {
  if (hs_check_abi(HS_ABI_VERSION) != HS_OK) {
    printf("%s\n", hs_last_error());
    return 1;
  }
  printf("libhalfstep %s\n", hs_version());
  return 0;
}
