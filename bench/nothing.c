/*
 * The service of the benchmark: a program that ends at once.
 */

int
main(void)
{
	return 0;
}
