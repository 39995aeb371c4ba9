/* SPDX-License-Identifier: Apache-2.0 */
/* The payload of an empty cell: it starts and ends. */
int main(void)
{
	return 0;
}
